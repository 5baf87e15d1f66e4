variable "name" {
  description = "What it is called."
  type        = string
}

variable "resource_group_name" {
  description = "The resource group that it is in."
  type        = string
}

variable "location" {
  description = "The Azure region."
  type        = string
}

variable "tags" {
  description = "Tags, for the bill and for who looks after it."
  type        = map(string)
}

variable "tenant_id" {
  description = "The Entra tenant whose people and services may have roles in it."
  type        = string
}
