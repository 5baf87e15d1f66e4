locals {
  image = "${var.registry_server}/${var.image}"
}

resource "azurerm_container_app_environment" "this" {
  name                       = "cae-${var.name}"
  resource_group_name        = var.resource_group_name
  location                   = var.location
  logs_destination           = "log-analytics"
  log_analytics_workspace_id = var.workspace_id
  tags                       = var.tags
}

resource "azurerm_container_app" "this" {
  name                         = "ca-${var.name}"
  resource_group_name          = var.resource_group_name
  container_app_environment_id = azurerm_container_app_environment.this.id
  revision_mode                = "Multiple" # the old revision stays until the traffic is the new one's
  max_inactive_revisions       = 5          # to go back to
  tags                         = var.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [var.identity.id]
  }

  registry {
    server   = var.registry_server
    identity = var.identity.id
  }

  secret {
    name                = "keys"
    identity            = var.identity.id
    key_vault_secret_id = var.keys_secret_id
  }

  ingress {
    external_enabled           = true
    target_port                = 8000
    transport                  = "http"
    allow_insecure_connections = false

    dynamic "traffic_weight" {
      for_each = var.traffic
      content {
        label           = traffic_weight.value.label
        latest_revision = traffic_weight.value.revision == null
        revision_suffix = traffic_weight.value.revision
        percentage      = traffic_weight.value.percent
      }
    }
  }

  template {
    revision_suffix = var.revision
    min_replicas    = var.replicas.min
    max_replicas    = var.replicas.max

    # 30 s for answers under way, 5 s to send them; and some to spare.
    termination_grace_period_seconds = 45

    # The engine writes for 32 at once: with more, another replica is better than a queue.
    http_scale_rule {
      name                = "requests"
      concurrent_requests = "32"
    }

    volume {
      name         = "keys"
      storage_type = "Secret"
    }

    # Goes with the replica, and the log in it: Log Analytics has what the service prints.
    volume {
      name         = "data"
      storage_type = "EmptyDir"
    }

    # The keys are a database, which the service opens to write. A secret is a text, and only read.
    init_container {
      name   = "keys"
      image  = local.image
      cpu    = 0.25
      memory = "0.5Gi"
      command = [
        "sh", "-ceu",
        "umask 077; mkdir -p /data/.lmops; base64 --decode /keys/keys >/data/.lmops/keys.db",
      ]

      volume_mounts {
        name = "keys"
        path = "/keys"
      }

      volume_mounts {
        name = "data"
        path = "/data"
      }
    }

    # A step of the model runs on one thread: more than one core would idle.
    container {
      name   = "lmops"
      image  = local.image
      cpu    = 1
      memory = "2Gi"

      env {
        name  = "APPLICATIONINSIGHTS_CONNECTION_STRING"
        value = var.connection_string
      }

      # Telemetry is taken from who has the role, so the exporter signs in as this identity.
      env {
        name  = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
        value = "Authorization=AAD;ClientId=${var.identity.client_id}"
      }

      volume_mounts {
        name = "data"
        path = "/data"
      }

      # Until it has started, nothing else is asked: 60 s to import torch on a slow machine.
      startup_probe {
        transport               = "HTTP"
        port                    = 8000
        path                    = "/healthz"
        interval_seconds        = 2
        failure_count_threshold = 30
      }

      # May requests be sent here? No while it drains, or cannot write its log.
      readiness_probe {
        transport               = "HTTP"
        port                    = 8000
        path                    = "/readyz"
        interval_seconds        = 5
        failure_count_threshold = 2
      }

      # Is the process alive? Never /readyz: to restart it would not make room on a full disk.
      liveness_probe {
        transport               = "HTTP"
        port                    = 8000
        path                    = "/healthz"
        interval_seconds        = 10
        failure_count_threshold = 3
      }
    }
  }
}
