import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_role_is_no_superuser():
    with connection.cursor() as c:
        c.execute(
            "select rolsuper, rolbypassrls from pg_roles where rolname=current_user"
        )
        assert c.fetchone() == (False, False)
