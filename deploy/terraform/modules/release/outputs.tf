output "traffic" {
  description = "Who gets how much: label, revision (null: the newest), percent. Adds up to 100."
  value       = local.traffic
}
