"""Speaks to a source by QIDO-RS and WADO-RS (PS3.18 chapters 10.4 and 10.6).

``client`` asks and says what a refusal means, ``multipart`` and ``part10`` take answers apart
while they come, ``peer`` joins them.
"""
