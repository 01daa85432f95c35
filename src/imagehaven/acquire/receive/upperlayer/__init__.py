"""The DICOM upper layer, as much of it as a receiver needs (PS3.8 and the commands of PS3.7).

Comes in: a connected socket. Goes out: association requests, commands and fragments of data sets,
streamed through one fixed buffer. Nothing here opens a file.
"""
