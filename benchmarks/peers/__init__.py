"""The same trainings in the tools that ConvScope is measured against, one script per tool."""
