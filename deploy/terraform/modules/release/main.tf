# Which revision gets which share of the requests. No resources: what is decided here is the same for
# Azure and for the stand-in in local/.

locals {
  # Azure knows a revision's name only once it is there, so the new one is always "the newest".
  newest = { label = "canary", revision = null, percent = var.canary_percent }
  stable = { label = "stable", revision = var.stable_revision, percent = 100 - var.canary_percent }
  whole  = { label = "stable", revision = null, percent = 100 }

  alone   = var.stable_revision == null || var.canary_percent == 100
  traffic = local.alone ? [local.whole] : [local.stable, local.newest]
}
