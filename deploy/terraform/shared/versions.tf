terraform {
  required_version = ">= 1.9.0, < 2.0.0"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "4.55.0"
    }
  }

  # Where the state lies is said to `terraform init`: see "State" in README.md.
  backend "azurerm" {}
}

# Who it is, it learns from the environment: ARM_SUBSCRIPTION_ID, ARM_TENANT_ID, ARM_CLIENT_ID, and
# in a pipeline the token of its run.
provider "azurerm" {
  features {}
}
