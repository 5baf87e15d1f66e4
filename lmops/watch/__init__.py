"""See how the service does: Prometheus, Alertmanager, what the logs tell, a page, and Azure.

page        the page: versions, data, use, numbers
use         logs and ledger -> who asked how often, what it cost, what people thought of it
servers     Prometheus and Alertmanager beside a running service
azure       the log's lines as traces and metrics for Application Insights
rules.yml   what Prometheus computes, and when somebody is called
"""
