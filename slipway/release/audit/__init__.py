"""`slipway audit`: which packages of images have known vulnerabilities, without a network.

The packages are those of the images' bills of materials; what is known comes from OSV exports that
a user downloads. What was not compared with anything is told as not audited, never as good.
"""
