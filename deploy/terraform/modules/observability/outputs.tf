output "workspace_id" {
  description = "The Log Analytics workspace."
  value       = azurerm_log_analytics_workspace.this.id
}

output "insights_id" {
  description = "Application Insights, for the role to write to it."
  value       = azurerm_application_insights.this.id
}

output "connection_string" {
  description = "Where telemetry is sent to."
  value       = azurerm_application_insights.this.connection_string
  sensitive   = true # the provider says so
}
