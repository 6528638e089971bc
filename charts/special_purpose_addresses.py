"""Addresses that are not the internet: IANA's registries of special-purpose ones, whole.

Both as last updated on 2025-10-09:
https://www.iana.org/assignments/iana-ipv4-special-registry
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from ipaddress import IPv4Network, IPv6Network, collapse_addresses

IPV4_GLOBAL = (
    "192.0.0.9/32",  # Port Control Protocol anycast
    "192.0.0.10/32",  # TURN anycast
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # AMT
    "192.175.48.0/24",  # AS112, direct delegation
)
"""Special-purpose, and globally reachable."""
IPV4_NOT_GLOBAL = (
    "0.0.0.0/8",  # this network
    "0.0.0.0/32",  # this host
    "10.0.0.0/8",  # private use
    "100.64.0.0/10",  # shared address space, for carriers
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link local: metadata services, EKS Pod Identity's agent
    "172.16.0.0/12",  # private use
    "192.0.0.0/24",  # IETF protocol assignments
    "192.0.0.0/29",  # IPv4 service continuity
    "192.0.0.8/32",  # dummy address
    "192.0.0.170/32",  # NAT64/DNS64 discovery
    "192.0.0.171/32",
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relay anycast, deprecated
    "192.88.99.2/32",  # 6a44 relay anycast
    "192.168.0.0/16",  # private use
    "198.18.0.0/15",  # benchmarking: pods and nodes of some clusters
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "240.0.0.0/4",  # reserved: pods and nodes of some clusters
    "255.255.255.255/32",  # limited broadcast
)
IPV6_GLOBAL = (
    "64:ff9b::/96",  # IPv4 behind a NAT64
    "2001:1::1/128",  # Port Control Protocol anycast
    "2001:1::2/128",  # TURN anycast
    "2001:1::3/128",  # DNS-SD service registration anycast
    "2001:3::/32",  # AMT
    "2001:4:112::/48",  # AS112
    "2001:20::/28",  # ORCHIDv2
    "2001:30::/28",  # drone remote ids
    "2620:4f:8000::/48",  # AS112, direct delegation
)
"""Special-purpose, and globally reachable."""
IPV6_NOT_GLOBAL = (
    "::1/128",  # loopback
    "::/128",  # unspecified
    "::ffff:0:0/96",  # IPv4-mapped
    "64:ff9b:1::/48",  # IPv4 behind a local NAT64
    "100::/64",  # discard only
    "100:0:0:1::/64",  # dummy prefix
    "2001::/23",  # IETF protocol assignments
    "2001::/32",  # Teredo: an IPv4 address within
    "2001:2::/48",  # benchmarking
    "2001:10::/28",  # ORCHID, deprecated
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4: an IPv4 address within
    "3fff::/20",  # documentation
    "5f00::/16",  # segment routing
    "fc00::/7",  # unique local: metadata services, EKS Pod Identity's agent
    "fe80::/10",  # link local
)

_MULTICAST = "224.0.0.0/4"
_NOT_GLOBAL_UNICAST = ("::/3", "4000::/2", "8000::/1")
"""All but 2000::/3, from which IANA gives out IPv6 addresses: of the registry all that is not
there, with NAT64 (which leads to private IPv4 addresses), site-local and multicast.
https://www.iana.org/assignments/ipv6-address-space
"""

_IPV4 = map(IPv4Network, (*IPV4_NOT_GLOBAL, _MULTICAST))
_IPV6 = map(IPv6Network, (*_NOT_GLOBAL_UNICAST, *IPV6_NOT_GLOBAL))
NOT_THE_INTERNET = {
    "0.0.0.0/0": tuple(map(str, collapse_addresses(_IPV4))),
    "::/0": tuple(map(str, collapse_addresses(_IPV6))),
}
"""By the range of their whole address family, without overlaps. Anycast addresses that IANA calls
global within a range that is not are left out with it: they lead to whoever is near."""
