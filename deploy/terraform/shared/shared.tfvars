name     = "lmcourse"
location = "westeurope"

builders = {
  github = {
    issuer  = "https://token.actions.githubusercontent.com"
    subject = "repo:lmcourse/lmcourse:ref:refs/heads/main"
  }
}
