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

variable "workspace_id" {
  description = "The Log Analytics workspace that gets what the service prints."
  type        = string
}

variable "connection_string" {
  description = "Where telemetry is sent to."
  type        = string
}

variable "identity" {
  description = "Who the service is: the identity's resource, and its client id."
  type = object({
    id        = string
    client_id = string
  })
}

variable "registry_server" {
  description = "The registry's address."
  type        = string
}

variable "image" {
  description = "What runs: repository and digest, without the registry."
  type        = string
}

variable "keys_secret_id" {
  description = "The secret in the key vault that holds .lmops/keys.db, in base64."
  type        = string
}

variable "revision" {
  description = "What the revision with this image is called."
  type        = string
}

variable "traffic" {
  description = "Who gets how much, as modules/release decides."
  type = list(object({
    label    = string
    revision = string
    percent  = number
  }))
}

variable "replicas" {
  description = "How many run at least, and at most."
  type = object({
    min = number
    max = number
  })
}
