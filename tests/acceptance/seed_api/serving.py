# ruff: noqa - as users write it
from prefect import flow, serve


@flow
def data_pipeline():
    # Pipeline logic here
    pass


@flow
def monitoring_flow():
    # Monitoring logic here
    pass


# Serve multiple flows
if __name__ == "__main__":
    serve(
        data_pipeline,
        monitoring_flow,
        name="Production Flows",
        tags=["production", "data"],
        limit=10,
        webserver=True,
    )
