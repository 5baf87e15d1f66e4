variable "revision" {
  description = "The revision that is described now: the model's version, with a letter in front."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,52}[a-z0-9])?$", var.revision))
    error_message = "A revision is 1 to 54 small letters, digits and hyphens, such as v237d5c9c3f06c80b."
  }
}

variable "stable_revision" {
  description = "The revision that has the traffic today; null if there is none yet."
  type        = string
  default     = null

  validation {
    condition     = var.stable_revision != var.revision || var.canary_percent == 100
    error_message = "The stable revision and the new one are the same: set canary_percent to 100."
  }
}

variable "canary_percent" {
  description = "The share of the requests that the new revision gets, in percent; 0 to try it by its label alone."
  type        = number

  validation {
    condition     = var.canary_percent == floor(var.canary_percent) && var.canary_percent >= 0 && var.canary_percent <= 100
    error_message = "canary_percent is a whole number from 0 to 100."
  }
}
