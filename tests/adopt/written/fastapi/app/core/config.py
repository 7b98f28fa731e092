"""The settings, from variables of the environment."""

from pydantic import computed_field
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """What the application has to be told."""

    PROJECT_NAME: str
    DATABASE_URI: str

    @computed_field
    @property
    def SQLALCHEMY_DATABASE_URI(self) -> str:  # noqa: N802 - as in the template
        """The URL of the database, with its driver."""
        return self.DATABASE_URI


settings = Settings()
