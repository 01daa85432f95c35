"""Genotypes: a small panel for each sample as VCF 4.2, and everybody's as PLINK text.

APOE's two variants are drawn together as haplotypes (epsilon 2, 3, 4), more epsilon 4 where the
pathway is a dementia, so that a study has something to find. Positions are GRCh37.
"""

from __future__ import annotations

from functools import cache
from random import Random

from imagehaven.synth.chance import chance
from imagehaven.synth.plan import PatientPlan
from imagehaven.synth.vocabulary import table

_HAPLOTYPES = {"e2": (0, 1), "e3": (0, 0), "e4": (1, 0)}
"""Alternative alleles at rs429358 and rs7412."""

_HEAD = """\
##fileformat=VCFv4.2
##source=synthetic panel
##reference=GRCh37
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t"""


@cache
def panel() -> tuple[dict[str, str], ...]:
    """Return the panel by chromosome and position."""
    order = sorted(
        table("snps.csv"), key=lambda row: (int(row["chromosome"]), int(row["position"]))
    )
    return tuple(order)


def _apoe(plan: PatientPlan, rng: Random) -> tuple[str, str]:
    weights = [7, 55, 38] if plan.pathway["name"] == "dementia" else [8, 77, 15]
    first, second = rng.choices(list(_HAPLOTYPES), weights, k=2)
    return first, second


def calls(plan: PatientPlan) -> list[tuple[int, int]]:
    """Return the two alleles (0 reference, 1 alternative) of each variant of the panel."""
    rng = chance(plan.seed, "genotype", plan.person.index)
    apoe = _apoe(plan, rng)
    linked = {
        "rs429358": (_HAPLOTYPES[apoe[0]][0], _HAPLOTYPES[apoe[1]][0]),
        "rs7412": (_HAPLOTYPES[apoe[0]][1], _HAPLOTYPES[apoe[1]][1]),
    }
    called = []
    for snp in panel():
        share = float(snp["frequency"])
        drawn = (int(rng.random() < share), int(rng.random() < share))
        called.append(linked.get(snp["rsid"], drawn))
    return called


def vcf(plan: PatientPlan) -> str:
    """Return one sample's VCF."""
    lines = [_HEAD + plan.sample]
    for snp, (first, second) in zip(panel(), calls(plan), strict=True):
        where = f"{snp['chromosome']}\t{snp['position']}\t{snp['rsid']}"
        alleles = f"{snp['reference']}\t{snp['alternative']}"
        lines.append(f"{where}\t{alleles}\t.\tPASS\t.\tGT\t{first}/{second}")
    return "\n".join(lines) + "\n"


def ped_line(plan: PatientPlan) -> str:
    """Return one sample's line of a PLINK .ped file; sex is 1 or 2, phenotype 2 a dementia."""
    alleles = []
    for snp, pair in zip(panel(), calls(plan), strict=True):
        alleles += [snp["alternative"] if allele else snp["reference"] for allele in pair]
    sex = "2" if plan.person.sex == "F" else "1"
    case = "2" if plan.pathway["name"] == "dementia" else "1"
    return " ".join([plan.sample, plan.sample, "0", "0", sex, case, *alleles])


def map_text() -> str:
    """Return the .map file of the panel."""
    return "".join(f"{snp['chromosome']} {snp['rsid']} 0 {snp['position']}\n" for snp in panel())
