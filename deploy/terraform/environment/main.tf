# One environment: the service, who it is, what it may read, and where it is watched.

locals {
  full = "${var.name}-${var.environment}"
  tags = { project = var.name, environment = var.environment, managed_by = "terraform" }
}

data "azurerm_client_config" "current" {}

resource "azurerm_resource_group" "this" {
  name     = "rg-${local.full}"
  location = var.location
  tags     = local.tags
}

module "observability" {
  source              = "../modules/observability"
  name                = local.full
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  tags                = local.tags
  retention_days      = var.retention_days
}

module "vault" {
  source              = "../modules/vault"
  name                = "kv-${var.name}-${substr(var.environment, 0, 4)}" # 24 characters at most
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  tags                = local.tags
  tenant_id           = data.azurerm_client_config.current.tenant_id
}

# The service: it pulls its image, reads its keys, writes its telemetry, and no more.
module "runtime" {
  source              = "../modules/identity"
  name                = "id-${local.full}-run"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  tags                = local.tags
  roles = {
    pull  = { scope = var.registry.id, role = "AcrPull" }
    keys  = { scope = module.vault.id, role = "Key Vault Secrets User" }
    watch = { scope = module.observability.insights_id, role = "Monitoring Metrics Publisher" }
  }
}

# The pipeline: it may change what is in this group, but give nobody a role.
module "deployer" {
  source              = "../modules/identity"
  name                = "id-${local.full}-deploy"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  tags                = local.tags
  federated           = var.deployers
  roles = {
    deploy = { scope = azurerm_resource_group.this.id, role = "Contributor" }
    look   = { scope = var.registry.id, role = "Reader" } # a plan reads who may pull
  }
}

module "release" {
  source          = "../modules/release"
  revision        = var.revision
  stable_revision = var.stable_revision
  canary_percent  = var.canary_percent
}

module "service" {
  source              = "../modules/service"
  name                = local.full
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  tags                = local.tags
  workspace_id        = module.observability.workspace_id
  connection_string   = module.observability.connection_string
  identity            = { id = module.runtime.id, client_id = module.runtime.client_id }
  registry_server     = var.registry.server
  image               = var.image
  keys_secret_id      = "${module.vault.uri}secrets/keys"
  revision            = var.revision
  traffic             = module.release.traffic
  replicas            = var.replicas
}
