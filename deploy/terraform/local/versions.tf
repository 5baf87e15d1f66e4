terraform {
  required_version = ">= 1.9.0, < 2.0.0"
  # No providers: terraform_data is built in. The state is a file beside this one.
}
