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

variable "federated" {
  description = "Which pipelines may act as it, by name: the issuer and the subject of their tokens."
  type = map(object({
    issuer  = string
    subject = string
  }))
  default = {}
}

variable "roles" {
  description = "What it may do, by name: a role, and where."
  type = map(object({
    scope = string
    role  = string
  }))
}
