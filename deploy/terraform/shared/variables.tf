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

variable "builders" {
  description = "Who may push images, by a name of your own: the issuer and the subject of a pipeline's token."
  type = map(object({
    issuer  = string
    subject = string
  }))
  default = {}

  validation {
    condition = alltrue([
      for one in values(var.builders) : startswith(one.issuer, "https://") && !strcontains(one.subject, "*")
    ])
    error_message = "An issuer is an https:// address, and a subject names one pipeline: no wildcards."
  }
}
