"""The people of the synthetic hospital, their numbers and homes, and the hospitals themselves."""

from imagehaven.synth.people.estate import Hospital, Scanner, Staff, hospitals, staff_of
from imagehaven.synth.people.numbers import chi_number, is_chi, is_nhs, nhs_number
from imagehaven.synth.people.population import Address, Name, Person, make_person

__all__ = [
    "Address",
    "Hospital",
    "Name",
    "Person",
    "Scanner",
    "Staff",
    "chi_number",
    "hospitals",
    "is_chi",
    "is_nhs",
    "make_person",
    "nhs_number",
    "staff_of",
]
