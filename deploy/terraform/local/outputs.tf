output "traffic" {
  description = "Who gets how much."
  value       = module.release.traffic
}

output "revision" {
  description = "What was applied last."
  value       = terraform_data.revision.output
}
