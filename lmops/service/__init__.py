"""The model as a service: the OpenAI completions API in front of an engine."""
