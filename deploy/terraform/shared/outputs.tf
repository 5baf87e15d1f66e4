output "registry" {
  description = "What environment/ asks for as var.registry."
  value = {
    id     = azurerm_container_registry.this.id
    server = azurerm_container_registry.this.login_server
  }
}

output "builder_client_id" {
  description = "Who the build pipeline is: its AZURE_CLIENT_ID. No secret."
  value       = module.builder.client_id
}
