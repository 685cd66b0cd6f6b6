"""Container images for deployments, built and pushed with the docker command."""

from __future__ import annotations

from prefect.docker.docker_image import DockerImage

__all__ = ["DockerImage"]
