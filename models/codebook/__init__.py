"""The default codebook, and the script that makes it again."""
