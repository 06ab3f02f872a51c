"""The front door of a deployment that several workspaces share."""
