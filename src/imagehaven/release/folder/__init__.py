"""What a researcher is handed: the folder, its manifest, reports, metadata and README.

Nothing in here opens a source or knows an original identifier: these modules see the ledger's
states, pseudonyms and the released files.
"""
