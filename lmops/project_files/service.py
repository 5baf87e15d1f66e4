"""The service: the endpoint of lesson 12."""


# TODO: `create_app` of your notebook of lesson 12, with all that it needs.
def create_app(model, who, allow):
    """Return the service: an app that lets `model` answer whom `who` and `allow` let in."""
    raise NotImplementedError("create_app is not started")
