"""What makes the small models that are shipped; torch is needed here and nowhere else."""
