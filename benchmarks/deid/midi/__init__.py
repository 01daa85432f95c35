"""A benchmark of de-identification in the manner of the public challenge MIDI-B.

`corpus` plants identifiers of made-up people into the synthetic hospital's files and into real
files, and writes the answer key: for every instance the actions that a de-identifier has to take
(Pei et al., Medical Image De-Identification Benchmark Challenge, 2025: text removed, text retained,
text not null, tag retained, UID changed, UID consistent, patient id consistent, date shifted,
pixels hidden, pixels retained). The key is also written in the SQLite layout that the challenge's
own validation script reads. `runs` lets imagehaven, its peers and two controls work on the corpus.
`scoring` counts correct over required actions, then checks what the challenge never does.
"""
