output "id" {
  description = "The resource, for who is to have this identity."
  value       = azurerm_user_assigned_identity.this.id

  # Whoever uses the identity needs its roles, too.
  depends_on = [azurerm_role_assignment.this]
}

output "client_id" {
  description = "The id that a pipeline signs in with. No secret."
  value       = azurerm_user_assigned_identity.this.client_id
}
