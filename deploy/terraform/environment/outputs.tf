output "address" {
  description = "Where the service is."
  value       = module.service.address
}

output "canary_address" {
  description = "Where the new revision is alone, for smoke tests before it gets any traffic."
  value       = module.service.canary_address
}

output "revision" {
  description = "The newest revision's full name."
  value       = module.service.revision
}

output "traffic" {
  description = "Who gets how much."
  value       = module.release.traffic
}

output "deployer_client_id" {
  description = "Who the deploying pipeline is: its AZURE_CLIENT_ID. No secret."
  value       = module.deployer.client_id
}

output "vault_uri" {
  description = "Where the keys are put, as the secret `keys`."
  value       = module.vault.uri
}
