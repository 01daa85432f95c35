"""The records beside the images: health tables, report texts and genotypes."""
