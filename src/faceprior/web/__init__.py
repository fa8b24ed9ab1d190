"""`faceprior serve`: a page and an HTTP address that restore photos on this machine. Needs the extra `[web]`.

A request's way: `guard` (routes, size, time, no addresses) -> `http` or `page` -> `service` (one at a time, bounded)
-> `outcome` (what is shown and downloaded) in the private folder that `folder` empties.
"""
