# A stand-in for Azure, on this machine: the same decision as environment/ makes, applied to a file.
# What `plan`, `apply` and the state do can be seen here with neither an account nor a network. In one
# thing it is no provider: it looks at the state alone, and does not notice a file changed by hand.

module "release" {
  source          = "../modules/release"
  revision        = var.revision
  stable_revision = var.stable_revision
  canary_percent  = var.canary_percent
}

# A revision is never changed: another image or name is another revision.
resource "terraform_data" "revision" {
  input            = { name = var.revision, image = var.image }
  triggers_replace = { name = var.revision, image = var.image }
}

resource "terraform_data" "traffic" {
  input = {
    path    = "${var.folder}/traffic.json"
    traffic = jsonencode(module.release.traffic)
  }
  triggers_replace = module.release.traffic
  depends_on       = [terraform_data.revision] # requests only for what is there

  provisioner "local-exec" {
    command = "printf '%s\\n' \"$TRAFFIC\" >\"$TARGET\""
    environment = {
      TRAFFIC = self.input.traffic
      TARGET  = self.input.path
    }
  }

  provisioner "local-exec" {
    when    = destroy
    command = "rm -f \"$TARGET\""
    environment = {
      TARGET = self.input.path
    }
  }
}
