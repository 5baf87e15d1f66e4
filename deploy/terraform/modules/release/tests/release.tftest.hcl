# terraform -chdir=deploy/terraform/modules/release init && terraform -chdir=... test

run "the_first_revision_gets_all" {
  command = plan
  variables {
    revision       = "v1"
    canary_percent = 10
  }
  assert {
    condition     = output.traffic == tolist([{ label = "stable", revision = tostring(null), percent = 100 }])
    error_message = "There is nobody to share with."
  }
}

run "a_canary_gets_its_share" {
  command = plan
  variables {
    revision        = "v2"
    stable_revision = "v1"
    canary_percent  = 10
  }
  assert {
    condition     = join(" ", [for one in output.traffic : one.percent]) == "90 10"
    error_message = "The old one must have 90, the new one 10."
  }
  assert {
    condition     = output.traffic[0].revision == "v1" && output.traffic[1].revision == null
    error_message = "The old one is named; the new one is the newest."
  }
}

run "blue_green_begins_at_nothing" {
  command = plan
  variables {
    revision        = "v2"
    stable_revision = "v1"
    canary_percent  = 0
  }
  assert {
    condition     = join(" ", [for one in output.traffic : one.percent]) == "100 0"
    error_message = "The new one is there, for its label alone."
  }
}

run "promoted_it_gets_all" {
  command = plan
  variables {
    revision        = "v2"
    stable_revision = "v1"
    canary_percent  = 100
  }
  assert {
    condition     = length(output.traffic) == 1 && output.traffic[0].percent == 100
    error_message = "The old one gets nothing any more."
  }
}

run "no_more_than_all" {
  command = plan
  variables {
    revision       = "v1"
    canary_percent = 101
  }
  expect_failures = [var.canary_percent]
}

run "no_parts_of_a_percent" {
  command = plan
  variables {
    revision       = "v1"
    canary_percent = 0.5
  }
  expect_failures = [var.canary_percent]
}

run "no_canary_of_itself" {
  command = plan
  variables {
    revision        = "v1"
    stable_revision = "v1"
    canary_percent  = 10
  }
  expect_failures = [var.stable_revision]
}

run "no_name_that_azure_refuses" {
  command = plan
  variables {
    revision       = "V1_"
    canary_percent = 0
  }
  expect_failures = [var.revision]
}
