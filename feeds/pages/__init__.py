"""The pages of feeds. Links and plain forms make them work without JavaScript; their cursor lets them become live."""
