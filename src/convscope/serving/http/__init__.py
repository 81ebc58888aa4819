"""HTTP machinery: access guard, uploads, errors, responses, static files, slow clients."""
