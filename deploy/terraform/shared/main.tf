# What staging and production share: the registry, so that both run the very same image.

locals {
  tags = { project = var.name, managed_by = "terraform" }
}

resource "azurerm_resource_group" "this" {
  name     = "rg-${var.name}-shared"
  location = var.location
  tags     = local.tags
}

resource "azurerm_container_registry" "this" {
  name                = "cr${var.name}"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  sku                 = "Basic"
  tags                = local.tags

  # No password at all: who pushes or pulls is somebody, with a role.
  admin_enabled          = false
  anonymous_pull_enabled = false
}

module "builder" {
  source              = "../modules/identity"
  name                = "id-${var.name}-build"
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  tags                = local.tags
  federated           = var.builders
  roles               = { push = { scope = azurerm_container_registry.this.id, role = "AcrPush" } }
}
