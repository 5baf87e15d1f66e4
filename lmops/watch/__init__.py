"""See how the service does: Prometheus, Alertmanager, what the logs tell, a page, and Azure."""
