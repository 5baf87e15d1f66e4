variable "name" {
  description = "The project's short name, a part of all names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{2,11}$", var.name))
    error_message = "The name is 3 to 12 small letters and digits, and begins with a letter."
  }
}

variable "location" {
  description = "The Azure region, such as westeurope."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+[0-9]?$", var.location))
    error_message = "The region is written as Azure's command line does: westeurope."
  }
}

variable "environment" {
  description = "Which environment this is."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "The environment is staging or production."
  }
}

variable "registry" {
  description = "The registry, as shared/ puts it out."
  type = object({
    id     = string
    server = string
  })
}

variable "image" {
  description = "What runs: repository and digest. No tag, since another image can get the same one."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*@sha256:[0-9a-f]{64}$", var.image))
    error_message = "The image is named by its digest: lmops@sha256:, and 64 digits of it."
  }
}

variable "revision" {
  description = "What the revision with this image is called: v and the model's version."
  type        = string
}

variable "stable_revision" {
  description = "The revision that has the traffic today; null if there is none yet."
  type        = string
  default     = null
}

variable "canary_percent" {
  description = "The share of the requests that the new revision gets, in percent."
  type        = number
  default     = 0
}

variable "deployers" {
  description = "Which pipelines may deploy here, by a name of your own: the issuer and the subject of their tokens."
  type = map(object({
    issuer  = string
    subject = string
  }))
  default = {}

  validation {
    condition = alltrue([
      for one in values(var.deployers) : startswith(one.issuer, "https://") && !strcontains(one.subject, "*")
    ])
    error_message = "An issuer is an https:// address, and a subject names one pipeline: no wildcards."
  }
}

variable "replicas" {
  description = "How many run at least, and at most."
  type = object({
    min = number
    max = number
  })

  validation {
    condition     = var.replicas.min >= 0 && var.replicas.min <= var.replicas.max && var.replicas.max <= 30
    error_message = "Replicas: 0 <= min <= max <= 30."
  }

  validation {
    condition     = var.environment != "production" || var.replicas.min >= 2
    error_message = "In production, two replicas at least: one may be restarted at any time."
  }
}

variable "retention_days" {
  description = "How long logs are kept: 30 days, as the service's own."
  type        = number
  default     = 30

  validation {
    condition     = var.retention_days >= 30 && var.retention_days <= 730
    error_message = "Log Analytics keeps logs for 30 to 730 days."
  }
}
