name        = "lmcourse"
environment = "production"
location    = "westeurope"
replicas    = { min = 2, max = 10 }

deployers = {
  github = {
    issuer  = "https://token.actions.githubusercontent.com"
    subject = "repo:lmcourse/lmcourse:environment:production"
  }
}
