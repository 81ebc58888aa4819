"""Services under load: ConvScope beside LitServe and a plain FastAPI service, on the same bundle."""
