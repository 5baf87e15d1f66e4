name        = "lmcourse"
environment = "staging"
location    = "westeurope"
replicas    = { min = 0, max = 2 }

deployers = {
  github = {
    issuer  = "https://token.actions.githubusercontent.com"
    subject = "repo:lmcourse/lmcourse:environment:staging"
  }
}
