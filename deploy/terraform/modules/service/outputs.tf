output "address" {
  description = "Where the service is, for its users."
  value       = "https://${azurerm_container_app.this.name}.${azurerm_container_app_environment.this.default_domain}"
}

output "canary_address" {
  description = "Where the new revision is alone, whatever its share, while there is a canary."
  value       = "https://${azurerm_container_app.this.name}---canary.${azurerm_container_app_environment.this.default_domain}"
}

output "revision" {
  description = "The newest revision's full name."
  value       = azurerm_container_app.this.latest_revision_name
}
