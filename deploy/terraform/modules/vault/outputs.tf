output "id" {
  description = "The vault, for the role to read it."
  value       = azurerm_key_vault.this.id
}

output "uri" {
  description = "Where its secrets are, with a slash at the end."
  value       = azurerm_key_vault.this.vault_uri
}
