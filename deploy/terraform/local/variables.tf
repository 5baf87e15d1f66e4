variable "folder" {
  description = "The folder that stands for Azure: what is applied lies there as traffic.json."
  type        = string
}

variable "image" {
  description = "What the revision runs."
  type        = string
}

variable "revision" {
  description = "The revision that is described now."
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
  default     = 100
}
