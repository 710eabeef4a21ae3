# The function images of the certificate authority on AWS, by digest, as in an environment's images.hcl. An entry that is
# missing stops the plan of its function, and of nothing else: the keys come first, and the functions when they are built.
locals {
  images = {}
}
