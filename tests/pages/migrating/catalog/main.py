import functions_framework.aio


@functions_framework.aio.http
async def search(request):
    return {"found": request.query_params["q"]}
