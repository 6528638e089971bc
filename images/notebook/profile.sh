# /etc/profile gives a login shell, as Jupyter's terminals are, a PATH without the image's.
PATH=$HOME/.local/bin:/opt/jupyter/python/bin:$PATH:/opt/jupyter/bin
